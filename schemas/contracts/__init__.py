"""The platform's contracts: event types, their payloads and topics. Data only; imports no framework."""

#: of every topic whose key is a customer, unless an instance is created with another number
DEFAULT_PARTITIONS = 4
