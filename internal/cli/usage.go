package cli

// OptionsUsage is what --help says of the options and statuses that programs have
// in common which run handlers.
const OptionsUsage = options + runnerOptions + ".\n"

// ClientUsage is OptionsUsage with --exec, for front ends of clients.
const ClientUsage = options + execOption + runnerOptions + ";\nwith --exec the HANDLER's own.\n"

const options = `Options:
  -t, --to CONVENTION    what HANDLER speaks: certbot, dehydrated, handler, json, ...;
                         json without a HANDLER writes the event on standard output,
                         text, which has none, tells a person at the terminal
  -c, --chain FILE       run this chain file; else $EXTAUTH_CHAIN, else
                         /etc/extauth/chain if it is there
  -e, --env-file FILE    dotenv file whose variables the handler gets (repeatable)
`

const execOption = `      --exec             become the HANDLER: no journal, no rollback, no time limit;
                         also $EXTAUTH_EXEC=1
`

const runnerOptions = `      --timeout DURATION limit for each call of a handler, as 90s or 5m;
                         10m if it is not given
      --state-dir DIR    the journal; else $EXTAUTH_STATE_DIR, else /var/lib/extauth
                         for root, else $XDG_STATE_HOME/extauth
      --trace FILE       append each call to FILE, as a line of JSON without
                         credentials; else $EXTAUTH_TRACE
  -n, --dry-run          say what would be run; run nothing
  -v, --verbose          say on standard error what is run and how it went
      --help, --version  say so on standard output

Exit status: 0 done, 1 a handler failed and all was undone, 2 undoing it failed
too, 64 usage, 65 a value was refused, 69 the handler's convention cannot
express the event, 75 try later, 78 bad configuration`
