package cli

// OptionsUsage is what --help says of the options and statuses that programs have
// in common which run handlers.
const OptionsUsage = options + runnerOptions + ".\n"

// ClientUsage is OptionsUsage with --exec, for front ends of clients.
const ClientUsage = options + execOption + runnerOptions + ";\nwith --exec the HANDLER's own.\n"

const options = `Options:
  -t, --to CONVENTION    HANDLER's convention: certbot, dehydrated, handler, json, ...;
                         json without a HANDLER prints the event, text tells a
                         person at the terminal what to publish
  -c, --chain FILE       run this chain file; else $EXTAUTH_CHAIN, else
                         /etc/extauth/chain if it exists
  -e, --env-file FILE    dotenv file with variables for the handler (repeatable)
`

const execOption = `      --exec             replace this process with HANDLER: no journal, no rollback,
                         no time limit; also $EXTAUTH_EXEC=1
`

const runnerOptions = `      --timeout DURATION time limit for each call of a handler, such as 90s or 5m
                         (10m)
      --state-dir DIR    directory of the journal; else $EXTAUTH_STATE_DIR, else
                         /var/lib/extauth for root, else $XDG_STATE_HOME/extauth
      --trace FILE       append each call to FILE as a line of JSON, without
                         credentials; else $EXTAUTH_TRACE
  -n, --dry-run          show what would run, and run nothing
  -v, --verbose          show on standard error what runs and how it ends
      --help, --version  print this help, or the version

Exit status: 0 done, 1 a handler failed and everything was undone, 2 undoing it
failed too, 64 usage, 65 a value was refused, 69 the handler's convention cannot
express the event, 75 try again later, 78 bad configuration`
