internal import API

extension Routes {
    func addInvitations(to router: inout Router) {
        let invitations = invitations
        router.get("/api/invitations", needs: .changing) { _ in try await answering { .json(invitations.list()) } }
        router.post("/api/invitations") { request in
            try await answering { .json(try await invitations.invite(try request.json()), status: 201) }
        }
        router.delete("/api/invitations") { request in
            try await answering { .json(try invitations.withdraw(try Self.needed(request, "name"))) }
        }
    }
}
