internal import Site
internal import Terminal

extension Invocation {
    /// Says what to do next, with the same site.
    ///
    /// - Parameter commands: without `shoal`.
    func suggest(_ title: String, _ commands: String...) {
        advise(([title] + commands.map { "  shoal \($0)\(SiteSelection.words(self))" }).joined(separator: "\n"))
    }
}

/// Which site a command is about: `--data-dir`, `--site`, `SHOAL_DATA_DIR`, or the only one of this user.
struct SiteSelection {
    static let dataDirectory = Option<String?>(
        "data-dir", .path.named("DIR"), "the site's data directory (default: the only site here, or SHOAL_DATA_DIR)")
    static let site = Option<String?>(
        "site", .text.named("NAME"), "the site by its name, if there are several in the default place")
    static let options: [any OptionDeclaration] = [dataDirectory, site]

    /// Where the site keeps its data.
    let path: String

    init(_ call: Invocation) throws {
        if let given = call[Self.dataDirectory] {
            path = given
        } else if let name = call[Self.site] {
            path = try DataDirectory.defaultPath(for: SiteName(checking: name))
        } else if let given = variable("SHOAL_DATA_DIR") {
            path = given
        } else {
            path = try Self.onlySite(call)
        }
    }

    /// What a command line must say again to be about the same site.
    static func words(_ call: Invocation) -> String {
        if let path = call[dataDirectory] { return " --data-dir \(quoted(path))" }
        return call[site].map { " --site \(quoted($0))" } ?? ""
    }

    /// A data directory is known by its settings.
    static func settingsPath(in directory: String) -> String { "\(directory)/shoal.json" }

    private static func onlySite(_ call: Invocation) throws -> String {
        let place = Paths.parent(of: try DataDirectory.defaultPath(for: SiteName(checking: "site")))
        let sites = Paths.names(in: place).filter { Paths.exists(settingsPath(in: "\(place)/\($0)")) }
        switch sites.count {
        case 1: return "\(place)/\(sites[0])"
        case 0:
            throw call.failure(
                "", "there is no site in \(place)",
                remedy: "Make one with `shoal init --name NAME`, or name its place with --data-dir",
                exit: .unreachable)
        default:
            throw call.failure(
                "", "there are \(sites.count) sites in \(place): \(sites.joined(separator: ", "))",
                remedy: "Choose one with --site NAME", exit: .usage)
        }
    }
}
