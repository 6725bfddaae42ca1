"""Estimators over histories: abnormal behaviour and remaining life."""
