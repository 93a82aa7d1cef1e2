//! Connections: accepted up to a limit, read and written within limits of time, ended gracefully.
//!
//! ```text
//! until stop:  wait for room, accept, serve the connection as a task of its own
//! at stop:     accept what has connected already, for a moment, then close the socket
//!              let each connection read what has arrived, for another moment
//!              each connection ends after the request that it is reading or answering
//!              after `Limits::stop`, whatever is left is cut
//! ```

use crate::{State, routes::router};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use std::{
    future::Future,
    io,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::{Instant, Sleep, sleep, timeout, timeout_at},
};

/// A pause after an error of `accept` that is not the client's: no file is left, for instance.
const PAUSE: Duration = Duration::from_millis(50);

/// The moments of a stop. A connection of which nothing was read yet would be closed with its
/// request unread.
const GRACE: Duration = Duration::from_millis(150);

pub(crate) async fn serve(
    listener: std::net::TcpListener,
    state: Arc<State>,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    let service = TowerToHyperService::new(router(Arc::clone(&state)));
    let room = Arc::new(Semaphore::new(state.limits.connections));
    let open = GracefulShutdown::new();
    let begin = |stream: TcpStream, permit| {
        let _ = stream.set_nodelay(true); // an answer is written at once
        let io = TokioIo::new(Timed::new(stream, state.limits.write));
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(state.limits.read);
        let connection = open.watch(http.serve_connection(io, service.clone()));
        let state = Arc::clone(&state);
        tokio::spawn(async move {
            let _open = state.metrics.connection();
            let _permit = permit;
            // The client's errors, such as a connection that breaks, concern only the client.
            let _ = connection.await;
        });
    };
    let mut stop = pin!(stop);
    loop {
        let next = async {
            let permit = Arc::clone(&room).acquire_owned().await;
            (permit, listener.accept().await)
        };
        tokio::select! {
            biased;
            () = &mut stop => break,
            (permit, accepted) = next => match accepted {
                Ok((stream, _)) => begin(stream, permit),
                Err(error) if is_of_client(&error) => {}
                Err(_) => sleep(PAUSE).await,
            },
        }
    }
    let end = Instant::now() + GRACE;
    while let Ok(permit) = Arc::clone(&room).try_acquire_owned()
        && let Ok(Ok((stream, _))) = timeout_at(end, listener.accept()).await
    {
        begin(stream, Ok(permit));
    }
    drop(listener);
    sleep(GRACE).await;
    let _ = timeout(state.limits.stop, open.shutdown()).await;
    Ok(())
}

/// Whether an error of `accept` is of one connection.
fn is_of_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// A connection whose client has to take what is written within a time.
struct Timed {
    stream: TcpStream,
    limit: Duration,
    /// Runs while the client takes nothing.
    waiting: Option<Pin<Box<Sleep>>>,
}

impl Timed {
    fn new(stream: TcpStream, limit: Duration) -> Timed {
        Timed { stream, limit, waiting: None }
    }

    /// What a write has given, or an error if it has waited too long.
    fn within<T>(
        &mut self,
        written: Poll<io::Result<T>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.waiting = None;
            return written;
        }
        let limit = self.limit;
        let waiting = self
            .waiting
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(Instant::now() + limit)));
        waiting.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Timed {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Timed {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.within(written, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.within(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
