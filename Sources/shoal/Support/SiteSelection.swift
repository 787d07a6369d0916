internal import Site
internal import Terminal

extension Invocation {
    /// Says what to do next, with the same site.
    ///
    /// - Parameters:
    ///   - commands: without `shoal`.
    ///   - site: the site's name, where the command line did not have to say it.
    func suggest(_ title: String, _ commands: String..., about site: String? = nil) {
        let words = SiteSelection.words(self, about: site)
        advise(([title] + commands.map { "  shoal \($0)\(words)" }).joined(separator: "\n"))
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
    ///
    /// - Parameter name: the site's name; it is said where there are several sites.
    static func words(_ call: Invocation, about name: String? = nil) -> String {
        if let path = call[dataDirectory] { return " --data-dir \(quoted(path))" }
        let isOneOfMany = variable("SHOAL_DATA_DIR") == nil && ((try? usualSites().names.count) ?? 0) > 1
        return (call[site] ?? (isOneOfMany ? name : nil)).map { " --site \(quoted($0))" } ?? ""
    }

    /// A data directory is known by its settings.
    static func settingsPath(in directory: String) -> String { "\(directory)/shoal.json" }

    /// The sites in the default place.
    static func usualSites() throws -> (place: String, names: [String]) {
        let place = Paths.parent(of: try DataDirectory.defaultPath(for: SiteName(checking: "site")))
        return (place, Paths.names(in: place).filter { Paths.exists(settingsPath(in: "\(place)/\($0)")) })
    }

    /// What to do when the chosen site is not there.
    static func remedy(_ call: Invocation) -> String {
        guard call[site] != nil, let names = try? usualSites().names, !names.isEmpty else {
            return "Make a site with `shoal init --name NAME`"
        }
        return "Sites there: \(names.joined(separator: ", "))"
    }

    private static func onlySite(_ call: Invocation) throws -> String {
        let (place, sites) = try usualSites()
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
