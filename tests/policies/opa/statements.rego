package statements

import rego.v1

# Rules that together compile to every kind of statement a plan has. Each is an entry point, asked with several inputs.

default complete := "none"

complete := "low" if input.n < 5

complete := "high" if input.n > 10

chain := "a" if {
	input.kind == "a"
} else := "b" if {
	input.kind == "b"
} else := "other" if {
	input.kind
}

partial_set contains x if {
	some x in input.list
	x > 1
}

partial_set contains "always"

partial_object[k] := v if {
	some k, v in input.map
	not v == 2
}

conflicting := input.list[_]

conflict_key[k] := input.list[_] if some k in ["k"]

nested.deep.rule := input.n

nested.deep.other := 2

everything := nested

arrays := [x | some i, x in input.list; i > 0]

sets := {x | some x in input.list}

objects := {k: count(v) | some k, v in input.words}

all_positive if {
	every x in input.list {
		x > 0
	}
}

all_pairs if {
	every k, v in input.map {
		k != "z"
		v < 5
	}
}

not_there if not input.missing.further

double_negation if not not_there

f(x) := "one" if x == 1

f(x) := "many" if x > 1

called := f(input.n)

f2(x, y) := x + y

unpacked := total if {
	[a, {"b": b}] := input.pair
	total := f2(a, b)
}

unified := y if {
	[input.n, y] = [z, z]
}

with_input := y if {
	y := complete with input as {"n": 3}
}

with_path := y if {
	y := complete with input.n as 99
}

with_data := y if {
	y := data.words.en with data.words as {"en": "other"}
}

with_function := y if {
	y := f(5) with f as g
}

g(x) := x * 2

with_builtin := y if {
	y := count(input.list) with count as 42
}

base := data.words[input.language]

all_words := {w | some w in data.words}

dynamic := data.statements.tree[input.branch].value

tree.left.value := "l"

tree.right.value := input.n if input.n > 1

whole_tree := tree

walked contains path if {
	walk(input.map, [path, value])
	value == 2
}

digits := [1, 1.50, 1e3, -0.1, 12345678901234567890]

constants := {"null": null, "true": true, "set": {1, "a"}, "nested": [[], {}, set()]}

greeting := $"hello {input.name}, {input.n} and {input.list}"

false_value := false

looked_up := input.list[input.index]

member if input.n in input.list

key_member if "a", 1 in input.map

grouped[x] contains y if {
	some x in ["a", "b"]
	some y in numbers.range(1, 1000)
}

# Its first key is no constant: OPA's optimisation gives a rule of constants empty objects that it else has not.
deep[x][z] contains y if {
	some x in input.list
	some z in input.list
	some y in numbers.range(1, 300)
}
