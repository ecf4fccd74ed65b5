"""Backend for people: composes the services' APIs, audits reads of personal data, knows when everything is settled."""
