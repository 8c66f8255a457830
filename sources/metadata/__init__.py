"""Code that several sources use: tables, cells, identities, licences, options, and the protocol of a source."""
