//! Files to a repository on the hub, in one commit.
//!
//! Small texts are in the commit itself; what the hub asks to be stored apart (large or binary files) goes through Git LFS's basic
//! transfer first.

use super::{Hub, HubConfig, Repository};
use crate::ExpertError;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Largest answer of the hub's that is read, in bytes.
const MAX_ANSWER: u64 = 16 << 20;
const LFS: &str = "application/vnd.git-lfs+json";

/// A file to be uploaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// Where it is in the repository: a plain name.
    pub name: String,
    /// What is in it.
    pub bytes: Vec<u8>,
    /// SHA-256 of that, in hexadecimal digits.
    pub sha256: String,
}

#[derive(Deserialize)]
struct Preupload {
    files: Vec<Mode>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Mode {
    path: String,
    upload_mode: String,
}

#[derive(Deserialize)]
struct Batch {
    objects: Vec<Object>,
}

#[derive(Deserialize)]
struct Object {
    oid: String,
    #[serde(default)]
    actions: BTreeMap<String, Action>,
    #[serde(default)]
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Action {
    href: String,
    #[serde(default)]
    header: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Commit {
    commit_url: String,
}

impl Hub {
    /// Makes the repository where there is none yet, and commits the files to its main branch. Gives the commit's address.
    ///
    /// # Errors
    /// [`ExpertError::Reference`] without a token, and where the hub refuses or cannot be reached; nothing is committed then.
    pub fn upload(
        &self,
        repository: &str,
        private: bool,
        files: &[Upload],
        summary: &str,
    ) -> Result<String, ExpertError> {
        let config = HubConfig::new(repository);
        let repository = Repository::new(self, &config)?;
        if self.token.is_none() {
            let reason = "uploading needs a token with write access: set HF_TOKEN, or run `hf auth login`".to_owned();
            return Err(repository.error(reason));
        }
        if self.offline {
            return Err(repository.error("HF_HUB_OFFLINE is set".to_owned()));
        }
        repository.create(private)?;
        let stored_apart = repository.stored_apart(files)?;
        let apart: Vec<&Upload> = files.iter().filter(|file| stored_apart.contains(&file.name)).collect();
        if !apart.is_empty() {
            repository.store_apart(&apart)?;
        }
        repository.commit(files, &stored_apart, summary)
    }
}

impl Repository<'_> {
    fn send(&self, url: &str, kind: &str, body: &[u8]) -> Result<Vec<u8>, ExpertError> {
        let mut request = self.agent().post(url).header("Content-Type", kind).header("Accept", kind);
        if let Some(token) = &self.hub.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        let mut response = request.send(body).map_err(|error| self.refused(url, error))?;
        let read = response.body_mut().with_config().limit(MAX_ANSWER).read_to_vec();
        read.map_err(|error| self.error(format!("the answer of {url} failed ({error})")))
    }

    fn refused(&self, url: &str, error: ureq::Error) -> ExpertError {
        self.error(match error {
            ureq::Error::StatusCode(401 | 403) => {
                format!("the hub refuses {url}; check that the token may write to {}", self.config.repository)
            }
            ureq::Error::StatusCode(status) => format!("the hub answered with status {status} to {url}"),
            error => format!("cannot reach {url} ({error})"),
        })
    }

    fn read<T: for<'de> Deserialize<'de>>(&self, url: &str, answer: &[u8]) -> Result<T, ExpertError> {
        serde_json::from_slice(answer)
            .map_err(|error| self.error(format!("the answer of {url} is not usable ({error})")))
    }

    fn create(&self, private: bool) -> Result<(), ExpertError> {
        let url = format!("{}/api/repos/create", self.endpoint());
        let (organization, name) = self.config.repository.split_once('/').unwrap_or_default();
        let body = json!({ "name": name, "organization": organization, "type": "model", "private": private });
        let request = self.agent().post(&url).header("Content-Type", "application/json");
        let token = self.hub.token.as_deref().unwrap_or_default();
        let answer = request.header("Authorization", format!("Bearer {token}")).send(body.to_string().as_bytes());
        match answer {
            // It is there already.
            Ok(_) | Err(ureq::Error::StatusCode(409)) => Ok(()),
            Err(error) => Err(self.refused(&url, error)),
        }
    }

    /// Names of the files that the hub does not take in a commit.
    fn stored_apart(&self, files: &[Upload]) -> Result<Vec<String>, ExpertError> {
        let url = format!("{}/api/models/{}/preupload/main", self.endpoint(), self.config.repository);
        let describe = |file: &Upload| {
            let sample = BASE64.encode(&file.bytes[..file.bytes.len().min(512)]);
            json!({ "path": file.name, "sample": sample, "size": file.bytes.len() })
        };
        let body = json!({ "files": files.iter().map(describe).collect::<Vec<_>>() });
        let answer = self.send(&url, "application/json", body.to_string().as_bytes())?;
        let modes: Preupload = self.read(&url, &answer)?;
        Ok(modes.files.into_iter().filter(|mode| mode.upload_mode == "lfs").map(|mode| mode.path).collect())
    }

    fn store_apart(&self, files: &[&Upload]) -> Result<(), ExpertError> {
        let url = format!("{}/{}.git/info/lfs/objects/batch", self.endpoint(), self.config.repository);
        let objects: Vec<Value> =
            files.iter().map(|file| json!({ "oid": file.sha256, "size": file.bytes.len() })).collect();
        let body = json!({ "operation": "upload", "transfers": ["basic"], "objects": objects, "hash_algo": "sha256" });
        let answer = self.send(&url, LFS, body.to_string().as_bytes())?;
        let batch: Batch = self.read(&url, &answer)?;
        for object in batch.objects {
            let file = files.iter().find(|file| file.sha256 == object.oid);
            let Some(file) = file else { continue };
            if let Some(error) = object.error {
                return Err(self.error(format!("the hub does not take {}: {error}", file.name)));
            }
            // Without an address it has the file already.
            let Some(upload) = object.actions.get("upload") else { continue };
            // Its own headers carry the permission; the token is the hub's alone.
            let request = upload
                .header
                .iter()
                .fold(self.agent().put(&upload.href), |request, (name, value)| request.header(name, value));
            request.send(&file.bytes[..]).map_err(|error| self.refused(&upload.href, error))?;
            if let Some(verify) = object.actions.get("verify") {
                let body = json!({ "oid": file.sha256, "size": file.bytes.len() });
                self.send(&verify.href, LFS, body.to_string().as_bytes())?;
            }
        }
        Ok(())
    }

    fn commit(&self, files: &[Upload], stored_apart: &[String], summary: &str) -> Result<String, ExpertError> {
        let url = format!("{}/api/models/{}/commit/main", self.endpoint(), self.config.repository);
        let mut lines = vec![json!({ "key": "header", "value": { "summary": summary, "description": "" } })];
        lines.extend(files.iter().map(|file| {
            if stored_apart.contains(&file.name) {
                let size = file.bytes.len();
                return json!({ "key": "lfsFile", "value": {
                    "path": file.name, "algo": "sha256", "oid": file.sha256, "size": size,
                } });
            }
            json!({ "key": "file", "value": {
                "path": file.name, "content": BASE64.encode(&file.bytes), "encoding": "base64",
            } })
        }));
        let body: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let answer = self.send(&url, "application/x-ndjson", body.as_bytes())?;
        self.read::<Commit>(&url, &answer).map(|commit| commit.commit_url)
    }
}
