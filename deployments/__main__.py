"""What Pulumi Deployments does with the platform's stacks, as code.

A project of its own: a stack that held its own deployment settings could lock itself out.
https://www.pulumi.com/docs/deployments/concepts/settings/
"""

import delivery
import pulumi
from push_to_deploy import PushToDeploy, PushToDeployArgs

wanted = delivery.load()
for stack, one in wanted.stacks.items():
    others = [other for other in wanted.stacks if other != stack]
    args = PushToDeployArgs(settings=one, source=wanted.source, stack=stack, others=others)
    PushToDeploy(stack, args)

pulumi.export("branches", {stack: one.branch for stack, one in wanted.stacks.items()})
