"""The version of the published schema, in this one place: what it promises stands in docs/BI.md, why it rose in CHANGELOG.md."""

CONTRACT_VERSION = "1.0.0"
