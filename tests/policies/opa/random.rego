package random

import rego.v1

# Asked with many random cases at once; what a case has no answer to is left out.

found[i] := regex.find_all_string_submatch_n(c[1], c[2], -1) if {
	some i, c in input.cases
	c[0] == "pattern"
}

parted[i] := regex.split(c[1], c[2]) if {
	some i, c in input.cases
	c[0] == "pattern"
}

replaced[i] := regex.replace(c[2], c[1], c[3]) if {
	some i, c in input.cases
	c[0] == "pattern"
}

sums[i] := [c[1] + c[2], c[1] - c[2], c[1] * c[2], sum([c[1], c[2], 0.1]), product([c[1], c[2], 0.1])] if {
	some i, c in input.cases
	c[0] == "numbers"
}

quotients[i] := c[1] / c[2] if {
	some i, c in input.cases
	c[0] == "numbers"
}

remainders[i] := c[1] % c[2] if {
	some i, c in input.cases
	c[0] == "numbers"
}

rounded[i] := [abs(c[1]), round(c[1]), ceil(c[1]), floor(c[1]), json.marshal(c[1]), sprintf("%v %s", [c[1], c[2]])] if {
	some i, c in input.cases
	c[0] == "numbers"
}

compared[i] := [c[1] < c[2], c[1] == c[2], c[1] >= c[2]] if {
	some i, c in input.cases
	c[0] == "numbers"
}

shown[i] := [time.format([c[1], c[2]]), time.format([c[1], c[2], layout]), time.clock([c[1], c[2]]), parsed] if {
	layout := "Mon Jan _2 15:04:05.000 MST 2006 -07:00 002"
	some i, c in input.cases
	c[0] == "time"
	parsed := time.parse_rfc3339_ns(time.format([c[1], c[2]]))
}

moved[i] := time.add_date(c[1], c[3], c[4], c[5]) if {
	some i, c in input.cases
	c[0] == "time"
}

between[i] := time.diff([c[1], c[2]], c[6]) if {
	some i, c in input.cases
	c[0] == "time"
}

written[i] := sprintf(c[1], [c[2]]) if {
	some i, c in input.cases
	c[0] == "format"
}
