"""The sample world: a seeded B2B company's CRM, marketing and web data, with the truth about it kept apart."""
