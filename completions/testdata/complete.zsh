# Writes what zsh completes for each line of standard input, a blank line after
# each. $1 is the directory of the completion file, $2 one to work in. An
# interactive shell completes; it writes each match to a pipe, in place of its
# terminal.
zmodload zsh/zpty
matches=$2/matches
mkfifo $matches
print -r -- '
fpath=('${(q)1}' $fpath)
autoload -Uz compinit
compinit -D -u
zstyle ":completion:*" completer _complete
compadd() {
  local -a found
  if [[ " ${(j: :)@[1,(i)(-|--)]} " != *" -"[AOD]" "* ]]; then # with these it adds none
    builtin compadd -O found "$@"
    (( $#found )) && print -rl -- $found >&3
  fi
  builtin compadd "$@"
}
tell() { exec 3>'$matches'; _main_complete; print -r -- >&3; exec 3>&-; compstate[insert]= compstate[list]= }
zle -C tell complete-word tell
bindkey "^I" tell
bindkey "^U" kill-whole-line
' >${matches:h}/rc
zpty shell zsh -f -i
zpty -w shell "source ${(q)matches:h}/rc"
while IFS= read -r line; do
  zpty -n -w shell $'\x15'$line$'\t'
  cat $matches
  while zpty -r -t shell; do :; done >/dev/null # or it could write no more
done
zpty -d shell
