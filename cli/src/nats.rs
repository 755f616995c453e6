//! What publishes events, where somebody configured a server.

use anyhow::Result;
use bursar_api::nats;

use crate::{config::Config, keys::read_secret};

/// How this chain's events are published; `None`: they are not.
pub(crate) fn configured(config: &Config) -> Result<Option<nats::Config>> {
    let Some(settings) = &config.nats else { return Ok(None) };
    let credentials = settings.credentials(read_secret)?;
    Ok(Some(nats::Config::new(settings.clone(), credentials)?))
}

#[cfg(all(test, unix))]
mod tests {
    use std::{fs::Permissions, os::unix::fs::PermissionsExt as _};

    use super::*;

    #[test]
    fn secrets_are_in_files_that_others_do_not_read() -> Result<()> {
        let dir = tempfile::tempdir()?;
        let (file, secret) = (dir.path().join("bursar.toml"), dir.path().join("secret"));
        let read = |more: &str| -> Result<Option<nats::Config>> {
            std::fs::write(&file, format!("[nats]\nurl = \"nats://127.0.0.1:4222\"\n{more}"))?;
            configured(&Config::load(Some(&file), None)?)
        };
        let refused = |more: &str| read(more).err().map(|error| format!("{error:#}")).unwrap_or_default();
        let named = |what: &str| format!("{what} = {:?}\n", secret.display().to_string());
        assert!(read("")?.is_some(), "nobody in particular");
        std::fs::write(&file, "")?;
        assert!(configured(&Config::load(Some(&file), None)?)?.is_none());
        assert!(refused(&named("token_file")).contains("reading "));
        std::fs::write(&secret, "hunter2\n")?;
        std::fs::set_permissions(&secret, Permissions::from_mode(0o644))?;
        assert!(refused(&named("token_file")).contains("chmod 600"));
        std::fs::set_permissions(&secret, Permissions::from_mode(0o600))?;
        let shown = format!("{:?}", read(&named("token_file"))?);
        assert!(shown.contains("Token") && !shown.contains("hunter2"), "{shown}");
        assert!(refused(&named("password_file")).contains("user with password_file"));
        assert!(refused("subject_prefix = \"a.*\"\n").contains("nats.subject_prefix: expected letters"));
        Ok(())
    }
}
