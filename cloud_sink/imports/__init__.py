"""What no box can see and people know: agents, schedules, absences, scores, results, prices, customers, queue logs."""
