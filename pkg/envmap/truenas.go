package envmap

// truenas is the script of TrueNAS's shell authenticator, which is called for
// a DNS validation only. Its documentation names a fourth operand, the time in
// seconds, which the program does not give.
func truenas() *Convention {
	return &Convention{
		Name:   "truenas",
		Doc:    "TrueNAS's shell authenticator: set or unset, DOMAIN RECORDNAME VALUE",
		Ref:    "truenas/middleware 02b89877: src/middlewared/middlewared/plugins/acme_protocol_/authenticators/shell.py (_perform, _cleanup)",
		Traces: "truenas-documented",
		To: To{
			Encode: func(e Event) (Call, error) { return encodeNamedRecord("truenas", "set", "unset", e) },
		},
	}
}
