internal import Terminal
internal import TreeImport

/// What a person reads about a tree that was imported.
enum GraphImportTree {
    /// More links without a target than this are counted and not told.
    private static let toldFaults = 5

    static func tell(_ call: Invocation, _ tree: TreeReport) {
        var values = KeyValues()
        values.add("folders", Format.count(tree.folders))
        values.add("files", Format.count(tree.files))
        values.add("sections", Format.count(tree.sections))
        values.add("symbols", tree.symbolTrouble.map { "none: \($0)" } ?? Format.count(tree.symbols))
        let links = tree.links
        if links.found > 0 {
            values.add(
                "links",
                "\(Format.count(links.resolved)) within the tree (\(counted(links.edges, "edge"))), "
                    + "\(Format.count(links.external)) to other sites, \(Format.count(links.toThemselves)) to themselves, "
                    + "\(Format.count(links.unresolved)) without a target")
        }
        for skipped in tree.skipped {
            values.add(
                skipped.reason.leavesOut ? "left out" : "in part",
                "\(Format.count(skipped.count)) \(skipped.reason.text): "
                    + printable(skipped.examples.joined(separator: ", "))
                    + (skipped.count > skipped.examples.count ? ", …" : ""))
        }
        if tree.truncated > 0 { values.add("cut off", counted(tree.truncated, "long text")) }
        call.console.print(values)
        for fault in links.faults.prefix(toldFaults) {
            call.console.complain(printable("\(fault.file):\(fault.line): \(fault.target): \(fault.cause)"))
        }
        let untold = links.unresolved + links.withoutAnchor - min(toldFaults, links.faults.count)
        if untold > 0 {
            call.console.complain("… and \(counted(untold, "such link")) more (--json names the first 50)")
        }
    }
}
