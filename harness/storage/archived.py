"""The commit that an archive of the source tree was made of: `git archive` writes it here (.gitattributes)."""

COMMIT = "$Format:%H$"
