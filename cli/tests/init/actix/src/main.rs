use actix_web::{App, HttpServer, Responder, get};

#[get("/")]
async fn hello() -> impl Responder {
    "hello from actix-web"
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let port: u16 = std::env::var("PORT")
        .ok()
        .and_then(|port| port.parse().ok())
        .unwrap_or(8080);
    HttpServer::new(|| App::new().service(hello))
        .workers(1)
        .bind(("0.0.0.0", port))?
        .run()
        .await
}
