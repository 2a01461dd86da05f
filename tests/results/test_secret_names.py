"""Names of files under which programs store secrets, and names of ordinary files that look like them."""

from __future__ import annotations

import pytest

from lab.results.secret_names import is_secret, is_store

# as the manuals of the programs name these files
KNOWN = """
.env a/.env.production .env.local prod.env .envrc .dev.vars local.settings.json
.docker/config.json app/.docker/config.json .dockercfg .dockerconfigjson .config/containers/auth.json auth.json
.composer/auth.json .npmrc .yarnrc.yml .pypirc pip.conf .m2/settings.xml .gem/credentials .cargo/credentials.toml
.git/config sub/.git/config .git/modules/lib/config .git-credentials .gitconfig .config/gh/hosts.yml
.kube/config kubeconfig kubeconfig.yaml prod.kubeconfig .vault-token .vault_pass .aws/credentials .aws/config
.s3cfg .boto terraform.tfvars prod.auto.tfvars prod.tfvars.json terraform.tfstate terraform.tfstate.backup
gcp-key.json key.json service-account.json my_service_account.json application_default_credentials.json
.config/gcloud/access_tokens.db .azure/msal_token_cache.json accessKeys.csv rootkey.csv new_user_credentials.csv
.netrc _netrc .pgpass pgpass.conf .my.cnf .htpasswd deploy/htpasswd etc/shadow .ssh/known_hosts .gnupg/trustdb.gpg
deploy.KEY server.pem a.p12 a.pfx release.keystore a.jks vault.kdbx putty.ppk host.keytab id_rsa id_ed25519 deploy_rsa
.vagrant/machines/default/libvirt/private_key ssh_host_ecdsa_key config/master.key client.ovpn .bash_history
password.txt db-password.txt passwords.csv token.txt GITHUB_TOKEN access_token.json x/secrets.yaml secrets secret.txt
mysecret.json client_secret_123.apps.json clientSecret.json app-secrets.yaml run/secrets/db_password apikey.txt
credentials credentials.json credentials-prod.json aws-credentials.ini creds.json passphrase .env~ .netrc.bak
id_rsa.old secrets.py wp-config.php
"""
ORDINARY = """
environment.py a.keys .envrc/readme secretary.txt public.crt tokenizer.py tokenizer.json tokenizer_config.json
password_reset.html password_reset_test.go PasswordField.tsx forgot-password.svg keyboard.json hotkeys.json monkey.json
.github/workflows/secret-scan.yml .github/secret_scanning.yml token.go csrf_token.py credential_helper.rs
special_tokens_map.json design-tokens.css package.json package-lock.json config.json config/config.json tsconfig.json
.docker/php/Dockerfile .gitignore .gitmodules .git/HEAD .git/index Dockerfile .dockerignore docker-compose.yml
sacred.txt passwordless.txt env.py kubeconfig.go settings.py config src/key.go keystore.go readme.md a.txt
.aws/task-definition.json gradle.properties secretion.csv key_value.json donkey.txt
"""


@pytest.mark.parametrize("path", KNOWN.split())
def test_names_of_secrets(path: str) -> None:
    assert is_secret(path)
    assert is_secret(f"below/{path}")


@pytest.mark.parametrize("path", ORDINARY.split())
def test_other_names(path: str) -> None:
    assert not is_secret(path)
    assert not is_secret(f"below/{path}")


@pytest.mark.parametrize(
    "path", [".git/objects/ab/cdef", "a/.git/objects/pack/x.pack", ".git/modules/l/objects/a", "bare.git/objects/a"]
)
def test_where_git_stores_the_contents_of_files(path: str) -> None:
    assert is_store(path)


@pytest.mark.parametrize("path", ["objects/a", ".git/HEAD", ".github/objects/a", "git/objects/a"])
def test_where_it_does_not(path: str) -> None:
    assert not is_store(path)
