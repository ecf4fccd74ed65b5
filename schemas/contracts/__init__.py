"""The platform's contracts: event types, their payloads and topics. Data only; imports no framework."""
