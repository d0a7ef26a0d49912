package envmap

// winacme is the script of win-acme's DNS validation, with its default
// arguments: what is {Token} there is the record's value.
func winacme() *Convention {
	return &Convention{
		Name:   "winacme",
		Doc:    "win-acme's DNS validation script: create or delete, IDENTIFIER RECORDNAME VALUE",
		Ref:    "win-acme: the arguments of its DNS validation script plugin, as documented (create and delete, {Identifier} {RecordName} {Token})",
		Traces: "winacme-documented",
		To: To{
			Encode: func(e Event) (Call, error) { return encodeNamedRecord("winacme", "create", "delete", e) },
		},
	}
}
