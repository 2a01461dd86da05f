"""Which files are secrets by their names, and which hold the contents of others; pure."""

from __future__ import annotations

import re
from fnmatch import translate

# Last names of files that programs store secrets in, in lower case.
NAMES = (
    # environments and keys
    *(".env", ".env[-._]*", "*.env", ".envrc", ".envrc.*", ".dev.vars", ".dev.vars.*", "local.settings.json"),
    *("*.pem", "*.key", "*.p8", "*.p12", "*.pfx", "*.pkcs8", "*.pkcs12", "*.jks", "*.jceks", "*.bks", "*.keystore"),
    *("*.kdb", "*.kdbx", "*.psafe3", "*.ppk", "*.keytab", "*.agekey", "*.ovpn", "wg[0-9]*.conf", "rootkey.csv"),
    *("id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*", "*_rsa", "*_dsa", "*_ecdsa", "*_ed25519", "secring.*"),
    *(
        "key",
        "*[-_.]key",
        "key.json",
        "*[-_.]key.json",
        "key.txt",
        "*[-_.]key.txt",
        "keys.json",
        "keys.txt",
        "rootkey.csv",
    ),
    # package managers and registries
    *(".npmrc", "npmrc", ".yarnrc", ".yarnrc.y*ml", ".pypirc", "pypirc", "pip.conf", "pip.ini", ".condarc"),
    *("auth.json", "auth.toml", "nuget.config", "settings.xml", "settings-security.xml", "rclone.conf"),
    *(".dockercfg", ".dockerconfigjson", ".dockerconfig.json", "dockerconfig.json", "docker-config.json"),
    # clouds, clusters and provisioning
    *("*.tfvars", "*.tfvars.json", "*.tfstate", "*.tfplan", ".terraformrc", "terraform.rc", ".s3cfg", ".boto"),
    *("*service-account*.json", "*service_account*.json", "*serviceaccount*.json", "*firebase-adminsdk*.json"),
    *(".vault*", "vault.y*ml", "vault[-_]pass*", ".databrickscfg", ".sentryclirc", ".clasprc.json", "ngrok.y*ml"),
    # clients of hosts, databases and mail
    *(".netrc", "_netrc", ".curlrc", ".wgetrc", ".gitconfig", ".git-credentials", ".pgpass", "pgpass.conf"),
    *(".my.cnf", ".mylogin.cnf", "debian.cnf", ".pg_service.conf", ".msmtprc", ".fetchmailrc", ".htdigest"),
    *("sftp-config.json", "sftp.json", ".ftpconfig", "sitemanager.xml", "cookies.txt", ".erlang.cookie"),
    *("wallet.dat", ".*_history", "wp-config.php", "tokens", "tokens.json", "tokens.txt", "tokens.y*ml"),
    # any kind of file: some programs read their secrets from a source of this name
    *("credential", "credential.*", "credentials", "credentials.*", "secret", "secret.*", "secrets", "secrets.*"),
)
NAME = re.compile("|".join(map(translate, NAMES)))
# Ends of paths of files whose last names alone do not say that they hold secrets, in lower case.
PLACES = re.compile(
    r"(^|/)("
    r"\.(ssh|gnupg|kube|azure|gcloud|password-store)/.*|\.config/(gcloud|gh|glab-cli|sops|op)/.*"
    r"|\.docker/config\.json|\.aws/(config|(sso|cli)/.*)|\.bundle/config|\.gradle/gradle\.properties"
    r"|\.subversion/auth/.*|\.snowsql/config|etc/g?shadow-?"
    r"|[^/]*\.git/((.*/)?config(\.worktree)?|(.*/)?logs/.*|fetch_head)"
    r")\Z",
    re.DOTALL,
)
# Words in a last name, as in db-password.txt, mysecret.json or GITHUB_TOKEN; secretary and tokenizer are other words.
WORDS = re.compile(
    r"(secret|password|passwd|passphrase|credential)s?([-_.]?keys?)?(?![a-z])"
    r"|token(?![a-z])|(?<![a-z])creds?(?![a-z])|kubeconfig"
    r"|(?<![a-z])(api|access|deploy|encryption|master|private|signing)[-_.]?keys?(?![a-z])"
)
# With these endings a word says what a program, a page or a picture is about.
SOURCES = re.compile(
    r"\.(py[ciwx]?|ipynb|go|rs|rb|erb|php|phtml|twig|java|kt|kts|scala|groovy|clj|cljs|ex|exs|eex|heex|erl|hrl|hs|ml|mli"
    r"|c|cc|cpp|cxx|h|hh|hpp|m|mm|cs|cshtml|razor|fs|vb|swift|dart|lua|pl|pm|r|jl|zig|nim|asm|s|proto|graphql"
    r"|[cm]?jsx?|[cm]?tsx?|vue|svelte|astro|map|snap|html?|css|s[ac]ss|less|ejs|hbs|mustache|pug|slim|haml"
    r"|j2|jinja2?|tpl|tmpl|sh|bash|zsh|fish|ps1|psm1|bat|cmd|awk|cmake|mk|tf|bzl|nix|class|o|a|so|dll"
    r"|md|mdx|rst|adoc|tex|po|pot|mo|[1-9](\.gz)?|svg|png|jpe?g|gif|webp|ico|bmp|pdf|woff2?|ttf|otf|eot|mp[34]|webm)\Z"
)
BACKUP = re.compile(r"(~|\.(bak|backup|old|orig|save|swp|tmp))+\Z")
OF_THE_FORGE = re.compile(r"(^|/)\.(github|gitlab)/")  # workflows and rules: values are stored in the forge itself
# Where version control stores the contents of a project's files, those of removed files included.
STORES = re.compile(r"(^|/)([^/]*\.git/(.*/)?objects|\.hg/store|\.svn/pristine)/", re.DOTALL)


def is_secret(path: str) -> bool:
    """True if the path of a file is one under which secrets are usually stored.

    Its last name decides, for some files together with the folders before it. A file that is taken for a secret without
    being one only lacks its content in an explanation, so names that are not certain count too.
    """
    last = path.rpartition("/")[2]
    name = BACKUP.sub("", last.lower())
    if NAME.match(name) or PLACES.search(path.lower()):
        return True
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", last).lower()
    return bool(WORDS.search(words)) and not SOURCES.search(name) and not OF_THE_FORGE.search(path)


def is_store(path: str) -> bool:
    """True for a file in which version control keeps the contents of other files, compressed or not."""
    return bool(STORES.search(path))
