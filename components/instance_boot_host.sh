#!/bin/bash
set -euo pipefail

instance=$(cloud-init query instance_id)

# The image may bring it; Amazon Linux has it in its own repository.
agent=/opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl
test -x $agent || dnf install --quiet --assumeyes amazon-cloudwatch-agent

install --directory --mode=0700 /opt/@name@ /var/log/@name@
cat >/opt/@name@/launch.py <<'LAUNCHER'
@launcher@
LAUNCHER
cat >/opt/@name@/@name@.json <<'SPEC'
@spec@
SPEC

# The agent reads files and no journal, and a file that nobody cuts off fills the disk.
cat >/opt/@name@/logs.json <<'LOGS'
@logs@
LOGS
cat >/etc/logrotate.d/@name@ <<'ROTATE'
/var/log/@name@/output.log {
    size 100M
    rotate 1
    copytruncate
    missingok
}
ROTATE
$agent -a append-config -m ec2 -s -c file:/opt/@name@/logs.json

# Only the command itself is asked to stop: it knows best when its children are done.
cat >/etc/systemd/system/@name@.service <<UNIT
[Unit]
Description=Backlot: @name@
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
ExecStart=/usr/bin/python3 /opt/@name@/launch.py /opt/@name@/@name@.json $instance
StandardOutput=append:/var/log/@name@/output.log
StandardError=inherit
KillMode=mixed
Restart=always
RestartSec=5
TimeoutStopSec=@patience_seconds@

[Install]
WantedBy=multi-user.target
UNIT
systemctl enable --now @name@
