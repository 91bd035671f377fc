from eegrpc._endpoint import Endpoint as Endpoint
