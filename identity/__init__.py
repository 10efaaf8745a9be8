"""Who is one person: matching and resolving of contact records."""
