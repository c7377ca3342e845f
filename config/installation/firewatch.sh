#!/bin/sh
# `firewatch` by hand, as the services run it: as their user, with the passwords of secrets.env, in their state folder.
# As root it may write nothing there that they cannot read. Files are named by whole paths. For others than root it is
# the bare command.
[ "$(id -u)" = 0 ] || exec /opt/firewatch/.venv/bin/firewatch "$@"
if [ -t 0 ] && [ -t 1 ]; then talk=--pty; else talk=--pipe; fi
exec systemd-run --quiet --collect --wait $talk --uid=firewatch --gid=firewatch --setenv=LANG --setenv=TERM \
    --property=EnvironmentFile=-/etc/firewatch/secrets.env --property=UMask=0027 \
    --property=StateDirectory=firewatch --property=StateDirectoryMode=0750 --working-directory=/var/lib/firewatch \
    /opt/firewatch/.venv/bin/firewatch "$@"
