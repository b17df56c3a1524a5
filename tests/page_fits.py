"""Fits that are started over HTTP, as the page does."""


def fit_on_page(client, **request):
    """Start a fit, wait until it has ended; gives its state."""
    started = client.post("/api/fits", json=request)
    assert started.status_code == 201, started.text
    client.app.state.fits.last.current.wait()
    return client.get(f"/api/fits/{started.json()['id']}").json()
