"""Data in the forms that other programs read: tables of features, and MFCCs as JSON."""
