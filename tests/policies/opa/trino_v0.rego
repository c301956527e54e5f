package trino

import future.keywords.contains
import future.keywords.if
import future.keywords.in

# In the way of Trino's own examples, before Rego v1: rules without `if`, `default`, a set of filters, a set of masks by index.

default allow = false

is_admin {
	input.context.identity.user == "admin"
}

allow {
	is_admin
}

allow {
	input.action.operation == ["ExecuteQuery", "ExecuteFunction"][_]
}

allow {
	input.action.operation == "AccessCatalog"
	input.action.resource.catalog.name == "bank"
}

allow {
	input.action.operation == "SelectFromColumns"
	table := input.action.resource.table
	table.schemaName == "default"
	table.tableName == data.readable[input.context.identity.groups[_]][_]
	not "secret" in table.columns
}

rowFilters contains {"expression": "user_type <> 'customer'"} {
	not is_admin
	input.action.resource.table.tableName == "client"
}

rowFilters contains {"expression": sprintf("branch = '%s'", [branch])} {
	branch := data.branches[input.context.identity.user]
	input.action.resource.table.tableName == "client"
}

batchColumnMasks contains {"index": i, "viewExpression": {"expression": "NULL"}} {
	some i
	column := input.action.filterResources[i].column
	not is_admin
	column.columnName == "phone"
}

batchColumnMasks contains {"index": i, "viewExpression": {"expression": "'****' || substring(name, -3)"}} {
	some i
	column := input.action.filterResources[i].column
	not is_admin
	column.columnName == "name"
	column.columnType == "varchar"
}

columnMask := {"expression": "NULL"} {
	not is_admin
	input.action.resource.column.columnName == "phone"
}

batch contains i {
	some i
	input.action.operation == "FilterColumns"
	count(input.action.filterResources) == 1
	name := input.action.filterResources[0].table.columns[i]
	name != "secret"
}
