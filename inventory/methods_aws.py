"""How an AWS identity may act as another, or give itself any right.

That such permissions raise rights was published by Rhino Security Labs ("AWS IAM Privilege Escalation Methods") and in
the AWS Security Blog; what each action does is in the AWS Service Authorization Reference under its service.
"""

from inventory.methods_table import Method

_IAM = "AWS Service Authorization Reference, Actions defined by IAM; AWS IAM User Guide, "
_PASSING = "AWS IAM User Guide, Grant a user permissions to pass a role to an AWS service; "


def _itself(id_: str, title: str, needs: tuple[str, ...], meaning: str, section: str) -> Method:
    return Method(f"aws-{id_}", "AWS", title, "take_over", needs, meaning, _IAM + section)


def _pass(id_: str, service: str, needs: tuple[str, ...], meaning: str, section: str) -> Method:
    title = f"Passes the role to {service}"
    return Method(
        f"aws-pass-role-{id_}",
        "AWS",
        title,
        "run_as",
        ("iam:PassRole", *needs),
        meaning,
        _PASSING + section,
    )


# Each gives whoever holds it any right in the account.
SELF = (
    _itself(
        "policy-version",
        "Writes a new version of its own policy",
        ("iam:CreatePolicyVersion",),
        "It may replace the text of a policy that is attached to itself, and make the new text the one that counts.",
        "Versioning IAM policies",
    ),
    _itself(
        "attach-own-policy",
        "Attaches any policy to itself",
        ("iam:AttachUserPolicy or iam:AttachRolePolicy",),
        "It may attach AdministratorAccess, or any other policy, to itself.",
        "Adding and removing IAM identity permissions",
    ),
    _itself(
        "attach-group-policy",
        "Attaches any policy to its group",
        ("iam:AttachGroupPolicy",),
        "It may attach any policy to a group that it is in.",
        "Adding and removing IAM identity permissions",
    ),
    _itself(
        "put-own-policy",
        "Writes a policy of its own",
        ("iam:PutUserPolicy or iam:PutRolePolicy",),
        "It may write an inline policy into itself.",
        "Managed policies and inline policies",
    ),
    _itself(
        "put-group-policy",
        "Writes a policy of its group",
        ("iam:PutGroupPolicy",),
        "It may write an inline policy into a group that it is in.",
        "Managed policies and inline policies",
    ),
    _itself(
        "join-group",
        "Joins a group of administrators",
        ("iam:AddUserToGroup",),
        "It may add itself to a group that gives administration.",
        "Edit users in IAM groups",
    ),
    _itself(
        "remove-boundary",
        "Removes its own boundary",
        ("iam:DeleteUserPermissionsBoundary or iam:DeleteRolePermissionsBoundary",),
        "Its policies give administration and only its boundary holds it; it may remove that.",
        "Permissions boundaries for IAM entities",
    ),
)
OTHERS = (
    _itself(
        "access-key",
        "Makes an access key of the user",
        ("iam:CreateAccessKey",),
        "It may make a key of another user and sign in with it.",
        "Manage access keys for IAM users",
    ),
    _itself(
        "create-password",
        "Sets a password of the user",
        ("iam:CreateLoginProfile",),
        "It may give a user without a console password one.",
        "User passwords in AWS",
    ),
    _itself(
        "change-password",
        "Changes the password of the user",
        ("iam:UpdateLoginProfile",),
        "It may replace the console password of another user.",
        "User passwords in AWS",
    ),
    _itself(
        "change-trust",
        "Rewrites who may assume the role",
        ("iam:UpdateAssumeRolePolicy",),
        "It may name itself in the trust policy of the role, and then assume it.",
        "Update a role trust policy",
    ),
)
TRUST = Method(
    "aws-trust",
    "AWS",
    "Assumes a role that trusts its account",
    "assume_role",
    ("sts:AssumeRole",),
    "The role trusts the whole account, and the delegate's own policies allow it to assume the role.",
    "AWS IAM User Guide, Roles terms and concepts (Trust policy); Cross account resource access in IAM",
)

# Service principal that the role must trust -> ways to run something of one's own as the role.
PASS_ROLE: dict[str, tuple[Method, ...]] = {
    "ec2.amazonaws.com": (
        _pass(
            "ec2",
            "a virtual machine",
            ("ec2:RunInstances",),
            "It may start a machine whose instance profile holds the role, and read the role's session there.",
            "Amazon EC2 User Guide, IAM roles for Amazon EC2",
        ),
    ),
    "lambda.amazonaws.com": (
        _pass(
            "lambda-invoke",
            "a function that it calls",
            ("lambda:CreateFunction", "lambda:InvokeFunction"),
            "It may create a function of its own code that runs as the role, and call it.",
            "AWS Lambda Developer Guide, Execution role",
        ),
        _pass(
            "lambda-event",
            "a function that an event calls",
            ("lambda:CreateFunction", "lambda:CreateEventSourceMapping"),
            "It may create a function of its own code that runs as the role, and have a stream or queue call it.",
            "AWS Lambda Developer Guide, Event source mappings",
        ),
    ),
    "glue.amazonaws.com": (
        _pass(
            "glue-endpoint",
            "a development endpoint",
            ("glue:CreateDevEndpoint",),
            "It may open a development endpoint that runs as the role, with a key of its own.",
            "AWS Glue Developer Guide, Development endpoints API",
        ),
        _pass(
            "glue-job",
            "a data job",
            ("glue:CreateJob", "glue:StartJobRun"),
            "It may start a job of its own code that runs as the role.",
            "AWS Glue Developer Guide, Jobs API",
        ),
    ),
    "cloudformation.amazonaws.com": (
        _pass(
            "cloudformation",
            "a stack",
            ("cloudformation:CreateStack",),
            "It may have the role create whatever a template of its own names.",
            "AWS CloudFormation User Guide, Service role",
        ),
    ),
    "datapipeline.amazonaws.com": (
        _pass(
            "datapipeline",
            "a data pipeline",
            (
                "datapipeline:CreatePipeline",
                "datapipeline:PutPipelineDefinition",
                "datapipeline:ActivatePipeline",
            ),
            "It may run a pipeline of its own definition as the role.",
            "AWS Data Pipeline Developer Guide, IAM roles",
        ),
    ),
    "sagemaker.amazonaws.com": (
        _pass(
            "sagemaker-notebook",
            "a notebook",
            ("sagemaker:CreateNotebookInstance", "sagemaker:CreatePresignedNotebookInstanceUrl"),
            "It may open a notebook that runs as the role.",
            "Amazon SageMaker Developer Guide, Execution roles",
        ),
        _pass(
            "sagemaker-training",
            "a training job",
            ("sagemaker:CreateTrainingJob",),
            "It may run a container of its own as the role.",
            "Amazon SageMaker Developer Guide, Execution roles",
        ),
        _pass(
            "sagemaker-processing",
            "a processing job",
            ("sagemaker:CreateProcessingJob",),
            "It may run a container of its own as the role.",
            "Amazon SageMaker Developer Guide, Execution roles",
        ),
    ),
    "codebuild.amazonaws.com": (
        _pass(
            "codebuild",
            "a build",
            ("codebuild:CreateProject", "codebuild:StartBuild"),
            "It may run build commands of its own as the role.",
            "AWS CodeBuild User Guide, Service role",
        ),
    ),
    "ecs-tasks.amazonaws.com": (
        _pass(
            "ecs",
            "a container task",
            ("ecs:RegisterTaskDefinition", "ecs:RunTask"),
            "It may run a container of its own as the role.",
            "Amazon ECS Developer Guide, Task IAM role",
        ),
    ),
    "tasks.apprunner.amazonaws.com": (
        _pass(
            "apprunner",
            "a web service",
            ("apprunner:CreateService",),
            "It may run a container of its own as the role.",
            "AWS App Runner Developer Guide, Instance role",
        ),
    ),
    "bedrock-agentcore.amazonaws.com": (
        _pass(
            "code-interpreter",
            "an agent's code interpreter",
            (
                "bedrock-agentcore:CreateCodeInterpreter",
                "bedrock-agentcore:StartCodeInterpreterSession",
                "bedrock-agentcore:InvokeCodeInterpreter",
            ),
            "It may create a code interpreter that runs as the role, and run code of its own in it.",
            "Amazon Bedrock AgentCore Developer Guide, Code Interpreter, Execution role",
        ),
        _pass(
            "agent-runtime",
            "an agent's runtime",
            ("bedrock-agentcore:CreateAgentRuntime", "bedrock-agentcore:InvokeAgentRuntime"),
            "It may run an agent of its own code as the role.",
            "Amazon Bedrock AgentCore Developer Guide, AgentCore Runtime permissions",
        ),
    ),
}
# The role is not passed: something that runs as it already is changed. Which role that is, the files do not say.
RUNNING: dict[str, tuple[Method, ...]] = {
    "lambda.amazonaws.com": (
        Method(
            "aws-change-function",
            "AWS",
            "Replaces the code of a function",
            "run_as",
            ("lambda:UpdateFunctionCode",),
            "It may replace the code of a function that runs as the role.",
            "AWS Lambda Developer Guide, Execution role",
        ),
    ),
    "ec2.amazonaws.com": (
        Method(
            "aws-command-machine",
            "AWS",
            "Runs commands on a machine",
            "run_as",
            ("ssm:SendCommand",),
            "It may run commands on a machine that holds the role.",
            "AWS Systems Manager User Guide, Run Command",
        ),
        Method(
            "aws-session-machine",
            "AWS",
            "Opens a session on a machine",
            "run_as",
            ("ssm:StartSession",),
            "It may open a shell on a machine that holds the role.",
            "AWS Systems Manager User Guide, Session Manager",
        ),
    ),
}

AWS = (
    TRUST,
    *SELF,
    *OTHERS,
    *(method for methods in (*PASS_ROLE.values(), *RUNNING.values()) for method in methods),
)
