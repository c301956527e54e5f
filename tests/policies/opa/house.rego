package bank

import rego.v1

properties := input.context.properties

operation := input.action.operation

used := properties.datasets[properties.dataset].columnsUsed

default allow := false

allow if operation in {"ExecuteQuery", "ExecuteFunction"}

allow if {
	operation == "AccessCatalog"
	input.action.resource.catalog.name == "conformance"
}

allow if {
	operation == "SelectFromColumns"
	input.action.resource.table.tableName in {"account", "client"}
	"analyst" in properties.roles
	properties.purpose in {"review", "audit"}
}

aureus contains {"effect": "permit", "policy": "house.readers"} if {
	properties.dataset in {"account", "client"}
	"analyst" in properties.roles
	properties.purpose in {"review", "audit"}
}

aureus contains {
	"effect": "deny",
	"policy": "house.pin",
	"code": "pin_hidden",
	"message": "the pin is not shown",
	"hint": "Leave the column pin out.",
} if {
	properties.dataset == "client"
	"pin" in used
}

aureus contains {
	"effect": "approve",
	"policy": "house.audit",
	"approvers": ["petr"],
	"code": "audit_of_clients",
	"message": "an audit of clients needs a yes",
	"hint": "Ask petr.",
} if {
	properties.dataset == "client"
	properties.purpose == "audit"
}

aureus contains {"effect": "mask", "policy": "house.name-last", "reason": "names are shortened", "column": "name", "method": "last"} if {
	properties.dataset == "client"
}

aureus contains {"effect": "mask", "policy": "house.name-redact", "reason": "names are hidden", "column": "name", "method": "redact"} if {
	properties.dataset == "client"
}

aureus contains {
	"effect": "filter",
	"policy": "house.region",
	"reason": "your region",
	"column": "region",
	"values": object.get(properties.attributes, "region", []),
} if {
	properties.dataset == "account"
}

aureus contains {"effect": "filter", "policy": "house.open", "reason": "open accounts", "column": "status", "values": ["open"]} if {
	properties.dataset == "account"
}

aureus contains {"effect": "cap", "policy": "house.cap-100", "reason": "at most a page", "rows": 100} if properties.dataset == "account"

aureus contains {"effect": "cap", "policy": "house.cap-10", "reason": "at most a short page", "rows": 10} if properties.dataset == "account"
