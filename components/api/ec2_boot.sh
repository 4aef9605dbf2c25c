#!/bin/bash
set -euo pipefail

instance=$(cloud-init query instance_id)

dnf install --quiet --assumeyes docker
systemctl enable --now docker

install --directory --mode=0700 /opt/api
cat >/opt/api/launch.py <<'LAUNCHER'
@launcher@
LAUNCHER
cat >/opt/api/api.json <<'SPEC'
@spec@
SPEC

# The runtime directory is in memory: the registry's login never reaches the disk. The API's output
# goes to CloudWatch; of what is standard output the journal needs no copy.
cat >/etc/systemd/system/api.service <<UNIT
[Unit]
Description=The API
Requires=docker.service
Wants=network-online.target
After=docker.service network-online.target
StartLimitIntervalSec=0

[Service]
RuntimeDirectory=api
RuntimeDirectoryMode=0700
Environment=DOCKER_CONFIG=/run/api
ExecStart=/usr/bin/python3 /opt/api/launch.py /opt/api/api.json $instance
ExecStop=-/usr/bin/docker stop api
StandardOutput=null
Restart=always
RestartSec=5
TimeoutStopSec=@patience_seconds@

[Install]
WantedBy=multi-user.target
UNIT
systemctl enable --now api
