# fish completion for the programs of extauth. fish loads the file that is named
# after a program: this one, by a link for each of them.

set -l program (string replace -r '.*/' '' -- (status filename) | string replace -r '\.fish$' '')

# __extauth_ahead [OPERAND]...: how many of the operands come before a handler:
# for extauth-check each KEY=VALUE.
function __extauth_ahead
    if string match -q -- '*extauth-check' (commandline -opc)[1]
        set -l ahead 0
        while string match -q -- '*=*' "$argv[1]"
            set -e argv[1]
            set ahead (math $ahead + 1)
        end
        echo $ahead
    else if test "$argv[1]" = replay
        echo 2
    else
        echo 1
    end
end

# The operands before the cursor. The list has our options whose value is
# a separate word.
function __extauth_operands
    set -l tokens (commandline -opc)
    set -e tokens[1]
    set -l operands
    while set -q tokens[1]
        set -l word $tokens[1]
        set -e tokens[1]
        if test $word = --
            if test (count $operands) -ge (__extauth_ahead $operands)
                set -a operands $tokens
                break
            end
        else if not string match -q -- '-*' $word
            set -a operands $word
        else if contains -- $word -t --to -c --chain -e --env-file --timeout --state-dir --trace --handler --client --from \
                --jobs --listen --socket-mode --socket-group --tls-cert --tls-key --users --max-clients --grace \
                --older-than --interval --quorum --resolver --nameserver --as --domain --path --server --slow --type --zone
            set -e tokens[1]
        end
        # After its name everything is the handler's, but for extauth-wait.
        if test (count $operands) -gt (__extauth_ahead $operands)
                and not string match -q -- '*extauth-wait' (commandline -opc)[1]
            set -a operands $tokens
            break
        end
    end
    string join \n -- $operands
end

# __extauth_at COUNT [FIRST]...: whether so many operands are there, the first of
# them one of those.
function __extauth_at --argument-names count
    set -l operands (__extauth_operands)
    test (count $operands) -eq $count
    and begin
        not set -q argv[2]
        or contains -- "$operands[1]" $argv[2..-1]
    end
end

# __extauth_options MOST [FIRST]...: whether an option may follow after at most so
# many operands, or all before a handler; the first of them is none of those.
function __extauth_options --argument-names most
    set -l operands (__extauth_operands)
    test $most -eq 0; or set most (__extauth_ahead $operands)
    test (count $operands) -le $most
    and not contains -- "$operands[1]" $argv[2..-1]
end

# Whether the only operand is a URL, in which case few options have a meaning.
function __extauth_url
    string match -q -- '*://*' (__extauth_operands)[1]
end

function __extauth_group
    test (math (count (__extauth_operands)) % 3) -eq 0
end

# The handler's command line.
function __extauth_command
    set -l operands (__extauth_operands)
    set -l first (math (__extauth_ahead $operands) + 1)
    set -l line (string join ' ' -- (string escape -- $operands[$first..-1]) (commandline -ct))
    complete --do-complete="$line"
end

# A command.
function __extauth_program
    set -l word (string replace -r -- '^--handler=' '' (commandline -ct))
    complete --do-complete="$word"
end

# Whether the handler's command line has begun.
function __extauth_handler
    set -l operands (__extauth_operands)
    test (count $operands) -ge (__extauth_ahead $operands)
end

# __extauth_address SCHEME...: a word, or a path after a scheme.
function __extauth_address
    set -l word (string replace -r -- '^--[a-z-]+=' '' (commandline -ct))
    set -l parts (string match -r -- '^(unix:|fifo:)(.*)' $word)
    if set -q parts[1]
        printf "$parts[2]%s\n" (__fish_complete_path "$parts[3]")
    else
        printf '%s\n' $argv
    end
end

# The records that extauth-pending knows, in the directory that the line names.
function __extauth_records
    set -l tokens (commandline -opc)
    set -l state
    for i in (seq (count $tokens))
        switch $tokens[$i]
            case --state-dir
                set state --state-dir $tokens[(math $i + 1)]
            case '--state-dir=*'
                set state $tokens[$i]
        end
    end
    extauth-pending $state list </dev/null 2>/dev/null | string match -r '^[0-9a-f]+(?= )'
end

# conventions: make update
set -l conventions acmesh acmetool certbot dehydrated getssl handler httpreq json lego lexicon mod_md template text \
    truenas uacme winacme
set -l scripts acmesh acmetool certbot dehydrated getssl handler json lego lexicon mod_md template truenas uacme \
    winacme
set -l clients acmesh acmetool certbot dehydrated getssl handler httpreq json lego mod_md uacme
# conventions: end

# extauth is followed by a program, and that by its own words.
function __extauth_first_word
    test (count (commandline -opc)) -eq 1
end

function __extauth_rest
    set -l words (commandline -opc)
    set -l line (string join ' ' -- (string escape -- extauth-$words[2] $words[3..-1]) (commandline -ct))
    complete --do-complete="$line"
end

if test $program = extauth
    set -l programs acmesh acmetool check dehydrated getssl hook httpreq json lego mod-md pending uacme wait
    set -l help 'contains help (commandline -opc)[2]'
    complete -c extauth -f
    complete -c extauth -n __extauth_first_word -l help -d 'Print a short help'
    complete -c extauth -n __extauth_first_word -l version -d 'Print the version'
    complete -c extauth -n __extauth_first_word -a "$programs help"
    complete -c extauth -n "$help; and test (count (commandline -opc)) -eq 2" -a "$programs chain env"
    complete -c extauth -n "not __extauth_first_word; and not $help" -a '(__extauth_rest)'
    exit
end

# How many operands may come before an option, and if the options of the front
# ends have a meaning.
set -l may '__extauth_options 0'
set -l front $may
set -l record $may
switch $program
    case extauth-hook extauth-pending
        set may '__extauth_options 1'
        set front $may
        set record $may
    case extauth-json
        set may '__extauth_options 1'
        set front '__extauth_options 1 exec'
        set record '__extauth_options 1 replay'
    case extauth-httpreq
        set may '__extauth_options 1'
        set front '__extauth_options 1 passwd; and not __extauth_url'
        set record $front
    case extauth-wait
        set may __extauth_group
end

complete -c $program -f
if test $program != extauth-check
    complete -c $program -n $may -s v -l verbose -d 'Show what runs'
end
complete -c $program -n $may -l help -d 'Print a short help'
complete -c $program -n $may -l version -d 'Print the version'

if not contains $program extauth-check extauth-pending extauth-wait
    complete -c $program -n $front -s t -l to -xa "$conventions" -d "The handler's convention"
    complete -c $program -n $front -s c -l chain -rF -d 'Run this chain file'
    complete -c $program -n $front -s e -l env-file -rF -d 'Env file for handlers'
    complete -c $program -n $front -s n -l dry-run -d 'Show what would run'
    complete -c $program -n $record -l trace -rF -d 'Append each call to this file'
end
if not contains $program extauth-check extauth-httpreq extauth-json extauth-pending extauth-wait
    complete -c $program -n $front -l exec -d 'Replace the program with the handler'
end
if not contains $program extauth-check extauth-wait
    complete -c $program -n $may -l timeout -x -d 'Time limit for each call of a handler'
end
switch $program
    case extauth-check extauth-wait
    case extauth-httpreq
        complete -c $program -n $front -l state-dir -xa '(__fish_complete_directories)' -d 'Directory of the journal'
    case '*'
        complete -c $program -n $may -l state-dir -xa '(__fish_complete_directories)' -d 'Directory of the journal'
end

switch $program
    case extauth-check
        complete -c $program -n $may -l as -xa "$scripts" -d "The handler's convention"
        complete -c $program -n $may -l domain -x -d 'Challenges are for names below it'
        complete -c $program -n $may -s e -l env-file -rF -d 'Env file for the handler'
        complete -c $program -n $may -l explain -d 'Explain what to write instead'
        complete -c $program -n $may -l path -xa '(__fish_complete_directories)' -d 'Programs that come before the stand-ins'
        complete -c $program -n $may -l server -x -d 'Server that the handler publishes on'
        complete -c $program -n $may -l slow -x -d 'A call that takes longer is slow'
        complete -c $program -n $may -l timeout -x -d 'A call that takes longer hangs'
        complete -c $program -n $may -l type -xa 'dns-01 http-01' -d 'Challenge type'
        complete -c $program -n $may -l zone -xa 'yes no auto' -d 'Start a BIND with the domain'
        complete -c $program -n __extauth_handler -a '(__extauth_command)'
    case extauth-hook
        complete -c $program -n '__extauth_at 0' -a 'auth cleanup deploy pre post'
        complete -c $program -n 'not __extauth_at 0' -a '(__extauth_command)'
    case extauth-httpreq
        complete -c $program -n $front -l listen -xa '(__extauth_address unix: systemd)' -d 'Address to serve'
        complete -c $program -n $front -l tls-cert -rF -d Certificate
        complete -c $program -n $front -l tls-key -rF -d Key
        complete -c $program -n $front -l users -rF -d 'Clients and what they may touch'
        complete -c $program -n $front -l max-clients -x -d 'Connections at the same time'
        complete -c $program -n $front -l jobs -x -d 'Requests at the same time'
        complete -c $program -n $front -l grace -x -d 'Time to finish after SIGTERM'
        complete -c $program -n $front -l socket-mode -xa '0600 0660 0666' -d Permissions
        complete -c $program -n $front -l socket-group -xa '(__fish_complete_groups)' -d Group
        complete -c $program -n '__extauth_at 0' -a 'serve passwd'
        complete -c $program -n '__extauth_at 1; and __extauth_url' -a 'present cleanup'
        complete -c $program -n 'contains serve (__extauth_operands)[1]' -a '(__extauth_command)'
    case extauth-json
        set -l lines '__extauth_options 1 exec replay'
        complete -c $program -n $lines -l ack -d 'Answer with empty lines'
        complete -c $program -n $lines -l jobs -x -d 'Events at the same time'
        complete -c $program -n $lines -l listen -xa '(__extauth_address unix: fifo:)' -d 'Serve many clients'
        complete -c $program -n $lines -l socket-mode -xa '0600 0660 0666' -d Permissions
        complete -c $program -n $lines -l socket-group -xa '(__fish_complete_groups)' -d Group
        complete -c $program -n '__extauth_options 1 run replay' -l client -xa 'certbot dehydrated none' \
            -d 'Client whose hook options are added'
        complete -c $program -n '__extauth_options 1 run exec' -l from -xa "$clients" -d 'Convention of the calls'
        complete -c $program -n '__extauth_at 0' -a 'run exec replay'
        complete -c $program -n '__extauth_at 1 replay' -F
        complete -c $program -n __extauth_handler -a '(__extauth_command)'
    case extauth-pending
        complete -c $program -n $may -l json -d 'One JSON object per line'
        complete -c $program -n $may -l older-than -x -d 'Only older challenges'
        complete -c $program -n '__extauth_at 0' -a 'list clean'
        complete -c $program -n 'contains clean (__extauth_operands)[1]' -a '(__extauth_records)'
    case extauth-wait
        complete -c $program -n $may -l timeout -x -d 'How long to wait'
        complete -c $program -n $may -l interval -x -d 'Time between two queries'
        complete -c $program -n $may -l quorum -x -d 'How many servers are enough'
        complete -c $program -n $may -l no-cname -d 'Do not follow a CNAME'
        complete -c $program -n $may -l resolver -x -d 'Recursive server'
        complete -c $program -n $may -l nameserver -x -d 'Server that has the records'
        complete -c $program -n __extauth_group -a 'dns http'
    case '*'
        complete -c $program -n $may -l handler -xa '(__extauth_program)' -d 'One handler instead of a chain'
end

switch $program
    case extauth-acmesh
        complete -c $program -n '__extauth_at 0' -a 'add rm deploy'
    case extauth-acmetool
        complete -c $program -n '__extauth_at 0' \
            -a 'challenge-http-start challenge-http-stop challenge-dns-start challenge-dns-stop live-updated'
    case extauth-dehydrated
        complete -c $program -n '__extauth_at 0' -a 'deploy_challenge clean_challenge sync_cert deploy_cert deploy_ocsp
            unchanged_cert invalid_challenge request_failure generate_csr startup_hook exit_hook'
    case extauth-getssl
        complete -c $program -n '__extauth_at 0' -a 'add del reload'
    case extauth-lego
        complete -c $program -n '__extauth_at 0' -a 'present cleanup run renew pre deploy post'
    case extauth-mod-md
        complete -c $program -n '__extauth_at 0' \
            -a 'setup teardown renewing renewed installed expiring errored ocsp-renewed ocsp-errored'
    case extauth-uacme
        complete -c $program -n '__extauth_at 0' -a 'begin done failed'
        complete -c $program -n '__extauth_at 1' -a 'http-01 dns-01 tls-alpn-01'
end
