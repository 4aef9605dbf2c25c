#!/bin/bash
set -euo pipefail

instance=$(cloud-init query instance_id)

dnf install --quiet --assumeyes docker
systemctl enable --now docker

install --directory --mode=0700 /opt/@name@
cat >/opt/@name@/launch.py <<'LAUNCHER'
@launcher@
LAUNCHER
cat >/opt/@name@/@name@.json <<'SPEC'
@spec@
SPEC

# The runtime directory is in memory: the registry's login never reaches the disk. The container's
# output goes to CloudWatch; of what is standard output the journal needs no copy.
cat >/etc/systemd/system/@name@.service <<UNIT
[Unit]
Description=Backlot: @name@
Requires=docker.service
Wants=network-online.target
After=docker.service network-online.target
StartLimitIntervalSec=0

[Service]
RuntimeDirectory=@name@
RuntimeDirectoryMode=0700
Environment=DOCKER_CONFIG=/run/@name@
ExecStart=/usr/bin/python3 /opt/@name@/launch.py /opt/@name@/@name@.json $instance
ExecStop=-/usr/bin/docker stop @name@
StandardOutput=null
StandardError=journal
Restart=always
RestartSec=5
TimeoutStopSec=@patience_seconds@

[Install]
WantedBy=multi-user.target
UNIT
systemctl enable --now @name@
