//! Archives sent to the studio, through all of its HTTP interface: an answer is JSON, and never blames the server.
#![no_main]

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use kanrl_core::environment::EnvironmentRegistry;
use libfuzzer_sys::fuzz_target;
use std::cell::OnceCell;
use kanrl_studio::{Options, Studio};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tower::ServiceExt;

thread_local! {
    static SERVER: OnceCell<(Runtime, Router, TempDir)> = const { OnceCell::new() };
}

fn server() -> (Runtime, Router, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let mut environments = EnvironmentRegistry::new();
    kanrl_envs_classic::register(&mut environments).expect("new ids");
    let options = Options { runs: folder.path().to_owned(), ..Options::new("false".into()) };
    let _entered = runtime.enter();
    let router = Studio::open(options, environments).expect("an empty folder").router();
    drop(_entered);
    (runtime, router, folder)
}

// The first line is the query, the rest is the body.
fuzz_target!(|bytes: &[u8]| {
    let (query, body) = match bytes.iter().position(|byte| *byte == b'\n') {
        Some(end) => (&bytes[..end], &bytes[end + 1..]),
        None => (bytes, &[][..]),
    };
    let Ok(query) = std::str::from_utf8(query) else { return };
    let request = Request::post(format!("/api/experts?{query}"));
    let request = request.header("host", "127.0.0.1:7860").header("x-kanrl-studio", "1");
    let Ok(request) = request.body(Body::from(body.to_vec())) else { return };
    SERVER.with(|server_cell| {
        let (runtime, router, _) = server_cell.get_or_init(server);
        let response = runtime.block_on(router.clone().oneshot(request)).expect("a router answers");
        let status = response.status();
        assert!(!status.is_server_error() || status.as_u16() == 507, "{status}");
    });
});
