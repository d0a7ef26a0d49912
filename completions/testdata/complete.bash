# Writes what bash completes for each line of standard input, a blank line after
# each. $1 is the completion file, or bash-completion, which looks for it.
# shellcheck shell=bash
compopt() { :; } # only for readline
# shellcheck source=/dev/null
source "$1"
while IFS= read -r line; do
	cut=${line//=/ = } cut=${cut//:/ : } # as readline does
	read -ra COMP_WORDS <<<"$cut"
	[[ $cut == *' ' && $line != *[=:] ]] && COMP_WORDS+=('')
	COMP_LINE=$line COMP_POINT=${#line} COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMPREPLY=()
	if declare -F _completion_loader >/dev/null; then
		_completion_loader "${COMP_WORDS[0]}"
	fi
	function=$(complete -p "${COMP_WORDS[0]}") function=${function#*-F } function=${function%% *}
	"$function" "${COMP_WORDS[0]}" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
	printf '%s\n' "${COMPREPLY[@]}" ''
done
