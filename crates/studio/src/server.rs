//! Connections: so many at a time, and none that only keeps a place. axum's own server knows no such limits.

use crate::visitors::Peer;
use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Connections at the same time: pages that watch runs keep one each.
const MOST_CONNECTIONS: usize = 600;
/// How long the header of a request may take to arrive, and how long a connection may be idle before the next one.
const HEADER: Duration = Duration::from_secs(15);
/// What is read ahead of a connection, in bytes.
const BUFFER: usize = 64 << 10;

/// Answers requests until `stop` is ready; what is being answered then is broken off.
pub async fn serve(listener: TcpListener, router: Router, stop: impl Future<Output = ()>) {
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let mut connections = JoinSet::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let accept = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (place, listener.accept().await)
        };
        tokio::select! {
            () = &mut stop => return,
            Some(_) = connections.join_next() => {}
            (place, accepted) = accept => match accepted {
                Ok((stream, peer)) => {
                    let router = TowerToHyperService::new(router.clone().layer(Extension(Peer(peer))));
                    connections.spawn(async move {
                        let _place = place;
                        let mut builder = http1::Builder::new();
                        builder.timer(TokioTimer::new()).header_read_timeout(HEADER).max_buf_size(BUFFER);
                        // A connection that breaks is the client's affair.
                        let _ = builder.serve_connection(TokioIo::new(stream), router).await;
                    });
                }
                Err(error) => {
                    // Most often there are too many open files.
                    tracing::warn!("cannot accept a connection: {error}");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }
}
