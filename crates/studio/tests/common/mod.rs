//! A studio on a folder of its own.

use axum::Router;
use axum::body::Body;
use axum::http::request::Builder;
use axum::http::{Request, header};
use axum::response::Response;
use kanrl_core::environment::EnvironmentRegistry;
use kanrl_pipeline::run::{LockedRun, RunFile};
use kanrl_studio::{Options, Studio};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tower::ServiceExt;

pub struct Server {
    pub runs: PathBuf,
    options: Options,
    router: Router,
    studio: Arc<Studio>,
    _folder: tempfile::TempDir,
}

impl Server {
    /// A studio whose program is this shell script; `$1` is the subcommand. One run at a time, two may wait.
    pub fn new(script: &str) -> Self {
        Self::with(script, |_| {})
    }

    /// The same, shared with strangers.
    pub fn public(script: &str) -> Self {
        Self::with(script, |options| options.public = true)
    }

    fn with(script: &str, change: impl Fn(&mut Options)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let runs = folder.path().join("runs");
        let mut options = Options {
            runs: runs.clone(),
            arguments: vec!["-c".into(), script.into()],
            waiting: 2,
            token: None,
            ..Options::new("/bin/sh".into())
        };
        change(&mut options);
        let studio = studio(&options);
        Self { runs, options, router: studio.router(), studio, _folder: folder }
    }

    /// Ends it, as Ctrl-C does.
    pub async fn stop(&self) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        Arc::clone(&self.studio).serve(listener, std::future::ready(())).await;
    }

    /// Another studio on the same folder.
    pub fn again(&self) -> Again {
        Again(studio(&self.options).router())
    }

    /// The folder of a run that is done.
    pub fn finished_run(&self, name: &str) -> PathBuf {
        let folder = self.runs.join(name);
        let run = LockedRun::open(&folder).unwrap();
        run.write(RunFile::Config, b"[environment]\nid = 'CartPole-v1'\n").unwrap();
        run.write(RunFile::Metrics, b"{}").unwrap();
        folder
    }

    pub async fn send(&self, request: Builder) -> Response {
        let body = request.extensions_ref().and_then(|extensions| extensions.get::<Vec<u8>>()).cloned();
        self.send_whole(request.body(Body::from(body.unwrap_or_default())).unwrap()).await
    }

    pub async fn send_whole(&self, request: Request<Body>) -> Response {
        self.router.clone().oneshot(request).await.unwrap()
    }

    pub async fn json(&self, request: Builder) -> Value {
        serde_json::from_slice(&body(self.send(request).await).await).unwrap()
    }

    /// Waits until a run is in that state.
    pub async fn until(&self, id: &str, state: Value) {
        let mut found = json!(null);
        for _ in 0..500 {
            found = self.json(get(&format!("/api/runs/{id}"))).await["state"].clone();
            if found == state {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{id} is {found}, not {state}");
    }
}

/// A second studio.
pub struct Again(Router);

impl Again {
    pub async fn json(self, request: Builder) -> Value {
        let response = self.0.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        serde_json::from_slice(&body(response).await).unwrap()
    }
}

fn studio(options: &Options) -> Arc<Studio> {
    let mut environments = EnvironmentRegistry::new();
    kanrl_envs_classic::register(&mut environments).unwrap();
    Studio::open(options.clone(), environments).unwrap()
}

pub fn get(path: &str) -> Builder {
    Request::get(path).header(header::HOST, "127.0.0.1:7860")
}

pub fn post(path: &str, value: &Value) -> Builder {
    let request = Request::post(path).header(header::HOST, "127.0.0.1:7860").header("x-kanrl-studio", "1");
    request.extension(value.to_string().into_bytes())
}

pub fn upload(environment: &str, bytes: Vec<u8>) -> Request<Body> {
    let request = Request::post(format!("/api/experts?environment={environment}&name=agent.zip"));
    request.header(header::HOST, "127.0.0.1:7860").header("x-kanrl-studio", "1").body(Body::from(bytes)).unwrap()
}

pub async fn body(response: Response) -> Vec<u8> {
    axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec()
}
