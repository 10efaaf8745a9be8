"""What runs when: Dagster assets, jobs, schedules and the published snapshot."""
