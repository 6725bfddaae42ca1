"""Ways in: a password, a badge at a kiosk, the identity provider of the site."""
