#!/usr/bin/env sh
# shellcheck disable=SC2034,SC2154
dns_extauth_info='extauth: any ACME hook script
 Calls extauth-acmesh, which runs the handlers of a chain file.
Site: github.com/extauth/extauth
Options:
 EXTAUTH_CHAIN Chain file. Default: /etc/extauth/chain. Optional.
 EXTAUTH_TO Convention of EXTAUTH_HANDLER. Optional.
 EXTAUTH_HANDLER One handler instead of a chain. Optional.
'

# dns_extauth_add FULLDOMAIN VALUE
# acme.sh's issue has the key authorization in a variable. It is passed on if the
# value is its digest, because some handlers need it.
dns_extauth_add() {
  _extauth_settings
  if [ -n "$keyauthorization" ] && [ "$(printf "%s" "$keyauthorization" | _digest "sha256" | _url_replace)" = "$2" ]; then
    extauth-acmesh add "$1" "$2" "$keyauthorization"
  else
    extauth-acmesh add "$1" "$2"
  fi
}

# dns_extauth_rm FULLDOMAIN VALUE
dns_extauth_rm() {
  _extauth_settings
  extauth-acmesh rm "$1" "$2"
}

# The settings are saved in account.conf, like those of other plugins, for
# renewals by cron. A chain replaces a saved handler, and a handler replaces a
# saved chain.
_extauth_settings() {
  if [ -z "$EXTAUTH_CHAIN$EXTAUTH_HANDLER" ]; then
    EXTAUTH_CHAIN="$(_readaccountconf_mutable EXTAUTH_CHAIN)"
    EXTAUTH_TO="${EXTAUTH_TO:-$(_readaccountconf_mutable EXTAUTH_TO)}"
    EXTAUTH_HANDLER="$(_readaccountconf_mutable EXTAUTH_HANDLER)"
  else
    _extauth_keep EXTAUTH_CHAIN "$EXTAUTH_CHAIN"
    _extauth_keep EXTAUTH_TO "$EXTAUTH_TO"
    _extauth_keep EXTAUTH_HANDLER "$EXTAUTH_HANDLER"
  fi
  export EXTAUTH_CHAIN EXTAUTH_TO EXTAUTH_HANDLER
}

# _extauth_keep NAME VALUE
# In base64, because a handler may contain quotes and account.conf is a script.
_extauth_keep() {
  if [ -n "$2" ]; then
    _saveaccountconf_mutable "$1" "$2" base64
  else
    _clearaccountconf_mutable "$1"
  fi
}
