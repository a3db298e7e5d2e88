"""How an AWS identity may act as another."""

from inventory.methods_table import Method

AWS = (
    Method(
        "aws-trust", "AWS", "Assumes a role that trusts it", "assume_role", ("sts:AssumeRole",),
        "The role's trust policy names the delegate, or its account and the delegate's own policies allow the call.",
        "AWS IAM User Guide, Roles terms and concepts (Trust policy); Cross account resource access in IAM",
    ),
)  # fmt: skip
