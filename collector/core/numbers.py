"""Telephone numbers in one form: E.164 digits without "+", so that one caller is one key everywhere."""

_SEPARATORS = " -.()/"
SHORTEST_NATIONAL = 5  # digits; anything shorter is an extension or a service number


class NumberingPlan:
    """How numbers are written in the office's country."""

    __slots__ = ("area", "country", "international_prefix", "national_prefix")

    def __init__(
        self, country: str = "", area: str = "", international_prefix: str = "00", national_prefix: str = "0"
    ) -> None:
        self.country = country  # country code, "44"; "" leaves national numbers as they are
        self.area = area  # area code without the national prefix, for local numbers; "" leaves them
        self.international_prefix = international_prefix
        self.national_prefix = national_prefix


def normalise(number: str, plan: NumberingPlan) -> str:
    """The E.164 digits of a number; what is no telephone number (a name, an extension, a feature code) as it came."""
    international, national = plan.international_prefix or "00", plan.national_prefix or "0"
    if number.isdigit() and number.find(national) and number.find(international):  # begins with neither
        if plan.area and SHORTEST_NATIONAL < len(number) <= 8:
            return plan.country + plan.area + number
        return number
    if number.isalpha():
        return number
    digits = number.replace("(0)", "") if number.startswith("+") else number  # +44 (0)20 ...: to be dropped abroad
    for separator in _SEPARATORS:
        digits = digits.replace(separator, "")
    if digits.startswith("+") and digits[1:].isdigit():
        return digits[1:]
    if not digits.isdigit() or len(digits) < SHORTEST_NATIONAL:
        return number
    if plan.international_prefix and digits.startswith(plan.international_prefix):
        return digits[len(plan.international_prefix) :]
    if plan.country and plan.national_prefix and digits.startswith(plan.national_prefix):
        return plan.country + digits[len(plan.national_prefix) :]
    return digits
