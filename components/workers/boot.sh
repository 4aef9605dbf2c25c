#!/bin/bash
set -euo pipefail

cat >>/etc/ecs/ecs.config <<'CONFIG'
ECS_CLUSTER=@cluster@
ECS_ENABLE_GPU_SUPPORT=true
ECS_ENABLE_SPOT_INSTANCE_DRAINING=true
ECS_CONTAINER_STOP_TIMEOUT=@stop_seconds@s
ECS_AWSVPC_BLOCK_IMDS=true
ECS_ENABLE_AWSLOGS_EXECUTIONROLE_OVERRIDE=true
CONFIG

# Images are pulled and unpacked on the host's own NVMe disk: EBS would take minutes for them.
disk=$(lsblk --nodeps --noheadings --paths --output NAME,MODEL |
  awk '/Instance Storage/ && !disk { disk = $1 } END { print disk }')
if [[ -n "$disk" ]]; then
  systemctl stop docker.socket docker.service
  mkfs.xfs -q -f "$disk"
  mkdir -p /var/lib/docker
  mount -o noatime "$disk" /var/lib/docker
  systemctl start docker.service
fi
