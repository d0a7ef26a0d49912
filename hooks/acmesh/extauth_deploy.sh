#!/usr/bin/env sh

# A deploy hook for acme.sh: calls extauth-acmesh, which runs the handlers of a
# chain file for a new certificate. Install it as deploy/extauth.sh, for
# --deploy-hook extauth.
#
# EXTAUTH_CHAIN, or EXTAUTH_TO and EXTAUTH_HANDLER, are saved with the
# certificate, for renewals by cron.

# extauth_deploy DOMAIN KEY CERT CA FULLCHAIN PFX
extauth_deploy() {
  if [ -z "$EXTAUTH_CHAIN$EXTAUTH_HANDLER" ]; then
    EXTAUTH_CHAIN="$(_readdomainconf SAVED_EXTAUTH_CHAIN)"
    EXTAUTH_TO="${EXTAUTH_TO:-$(_readdomainconf SAVED_EXTAUTH_TO)}"
    EXTAUTH_HANDLER="$(_readdomainconf SAVED_EXTAUTH_HANDLER)"
  else
    _savedeployconf EXTAUTH_CHAIN "$EXTAUTH_CHAIN" base64
    _savedeployconf EXTAUTH_TO "$EXTAUTH_TO" base64
    _savedeployconf EXTAUTH_HANDLER "$EXTAUTH_HANDLER" base64
  fi
  export EXTAUTH_CHAIN EXTAUTH_TO EXTAUTH_HANDLER
  extauth-acmesh deploy "$1" "$2" "$3" "$4" "$5"
}
