<?php
// SPDX-License-Identifier: Apache-2.0
// What programs do with PHP's streams and its curl extension; tests/flow/test_clients_php.py names the task.
$url = getenv('GATEWAY') . '/v1/chat/completions';
$headers = ['Authorization: Bearer ' . getenv('TOKEN'), 'Content-Type: application/json'];
$question = ['model' => getenv('MODEL'), 'messages' => [['role' => 'user', 'content' => getenv('PROMPT') ?: 'Hello, world!']]];

function curl_of(array $body)
{
    global $url, $headers;
    $curl = curl_init($url);
    curl_setopt_array($curl, [CURLOPT_POST => true, CURLOPT_POSTFIELDS => json_encode($body), CURLOPT_HTTPHEADER => $headers,
        CURLOPT_TIMEOUT => (int) getenv('PATIENCE')]);
    return $curl;
}

function has_curl()
{
    return extension_loaded('curl');
}

function curl_chat()
{
    global $question;
    $curl = curl_of($question);
    curl_setopt($curl, CURLOPT_RETURNTRANSFER, true);
    $body = json_decode(curl_exec($curl), true);
    return [curl_getinfo($curl, CURLINFO_RESPONSE_CODE), $body];
}

function curl_stream()
{
    global $question;
    $text = '';
    $pieces = 0;
    $curl = curl_of($question + ['stream' => true]);
    curl_setopt($curl, CURLOPT_WRITEFUNCTION, function ($curl, $data) use (&$text, &$pieces) {
        $text .= $data;
        $pieces++;
        return strlen($data);
    });
    curl_exec($curl);
    return [curl_getinfo($curl, CURLINFO_RESPONSE_CODE), $pieces, $text];
}

// Line by line, with PHP's own HTTP.
function stream_lines()
{
    global $url, $headers, $question;
    $options = ['header' => $headers, 'method' => 'POST', 'content' => json_encode($question + ['stream' => true])];
    $file = fopen($url, 'r', false, stream_context_create(['http' => $options]));
    $lines = [];
    while (($line = fgets($file)) !== false) {
        if (trim($line) !== '') {
            $lines[] = trim($line);
        }
    }
    return $lines;
}

function error_body()
{
    global $url, $headers, $question;
    $options = ['header' => $headers, 'method' => 'POST', 'content' => json_encode(['messages' => []] + $question),
        'ignore_errors' => true];
    $body = file_get_contents($url, false, stream_context_create(['http' => $options]));
    return [$http_response_header[0], json_decode($body, true)];
}

echo json_encode($argv[1]()), "\n";
