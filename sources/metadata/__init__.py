"""What sources share: rows of tables, identities, licences, options."""
