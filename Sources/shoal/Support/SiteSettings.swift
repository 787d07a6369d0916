internal import Federation
internal import Site
internal import Terminal

/// The settings of a node that `init` keeps in `shoal.json` and `run` also takes from options and environment.
struct SiteSettings {
    static let listen = Option<String?>(
        "listen", .hostAndPort, "where to accept other sites; without it this site only dials out (SHOAL_LISTEN)")
    static let advertise = Option<[String]>(
        repeated: "advertise", .hostAndPort, "where other sites reach this one, if not there (SHOAL_ADVERTISE)")
    static let http = Option<String?>(
        "http", .hostAndPort,
        "serve the dashboard and the HTTP interface there; beyond this machine only with a token (SHOAL_HTTP)")
    static let databaseURL = Option<String?>(
        "database-url", .text.named("URL"), "an existing PostgreSQL instead of a private one (SHOAL_DATABASE_URL)")
    static let privacy = Option<[String]>(
        repeated: "privacy", .text.named("KEY=VALUE|off"),
        "protect what is sent: clip, row-clip, noise, min-edges, min-rows, budget, delta; see docs/privacy.md (SHOAL_PRIVACY)"
    )

    static let declared = SiteSettings()
    var options: [any OptionDeclaration] {
        [Self.listen, Self.advertise, Self.http, Self.databaseURL, Self.privacy]
    }

    /// Options first, then the environment; what neither says stays as it is.
    func apply(_ call: Invocation, to config: inout SiteConfig) throws {
        if let text = call[Self.listen] ?? variable("SHOAL_LISTEN") { config.listen = try endpoint(call, text) }
        if let text = call[Self.http] ?? variable("SHOAL_HTTP") { config.http = try endpoint(call, text) }
        let advertise = call[Self.advertise].isEmpty ? list("SHOAL_ADVERTISE") : call[Self.advertise]
        if !advertise.isEmpty { config.advertise = try advertise.map { try endpoint(call, $0) } }
        if let url = call[Self.databaseURL] ?? variable("SHOAL_DATABASE_URL") { config.databaseURL = url }
        let privacy = call[Self.privacy].isEmpty ? list("SHOAL_PRIVACY") : call[Self.privacy]
        if !privacy.isEmpty {
            do {
                config.privacy = try PrivacyPolicy(privacy).words
            } catch {
                throw call.failure("--privacy", "\(error)", exit: .usage)
            }
        }
    }

    /// A variable with several values, separated by commas.
    func list(_ name: String) -> [String] {
        variable(name)?.split(separator: ",").map { String($0) } ?? []
    }

    /// `:PORT` alone means every address of this machine.
    private func endpoint(_ call: Invocation, _ text: String) throws -> Endpoint {
        guard let endpoint = Endpoint(parsing: text.hasPrefix(":") ? "0.0.0.0\(text)" : text) else {
            throw call.failure(
                text, "it is no address", remedy: "Write HOST:PORT, for example 0.0.0.0:7447", exit: .usage)
        }
        return endpoint
    }
}
