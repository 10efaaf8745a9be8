"""A sample world and a local, HubSpot-shaped CRM to try everything without an account."""
