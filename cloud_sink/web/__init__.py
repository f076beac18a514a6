"""The sink's face: a JSON API and a dashboard page, both over the store and the KPIs."""
